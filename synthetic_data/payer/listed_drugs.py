"""What the formulary says of a drug and of a tier, before either release gives it a shape."""

from __future__ import annotations

from typing import NamedTuple

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
DRUG_FORM = "http://terminology.hl7.org/CodeSystem/v3-orderableDrugForm"

TIER_NAMES = {
    "generic": "Generic",
    "preferred-generic": "Preferred Generic",
    "non-preferred-generic": "Non-preferred Generic",
    "specialty": "Specialty",
    "brand": "Brand",
    "preferred-brand": "Preferred Brand",
    "non-preferred-brand": "Non-preferred Brand",
    "zero-cost-share-preventative": "Zero cost-share preventative",
    "medical-service": "Medical Service",
}
PHARMACY_NAMES = {
    "1-month-in-retail": "1 month in network retail",
    "1-month-out-retail": "1 month out of network retail",
    "1-month-in-mail": "1 month in network mail order",
    "3-month-in-retail": "3 month in network retail",
    "3-month-in-mail": "3 month in network mail order",
}


class ListedDrug(NamedTuple):
    """A drug of the formulary: what it is, its tier and its restrictions."""

    key: str
    rxnorm: tuple[str, ...]
    dose_form_group: tuple[str, ...] | None
    form: tuple[str, ...] | None
    tier: str
    prior_authorization: bool
    step_therapy: bool
    new_starts_only: bool
    quantity_limit: int
    mail_order: bool


class Tier(NamedTuple):
    """What a member pays in a tier: a copayment in cents, or a share in percent."""

    code: str
    copay: int | None
    coinsurance: int | None
    mail_order: bool

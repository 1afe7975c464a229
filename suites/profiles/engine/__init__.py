"""The validation engine: structures compiled once to Python closures, then run over parsed JSON.

place       where an element stands; paths are spelled only when an issue needs one
findings    what is reported
primitives  values of primitive types
narrative   XHTML of Narrative.div
terminology codes against code systems and value sets
references  what a Reference points at
shapes      a type as the specification defines it: properties, JSON types, cardinality, bindings
patterns    fixed values, patterns, type of a choice
slicing     which slice an element belongs to
constraints a profile: only what it adds to the type it constrains
extensions  an extension against its definition and its context of use
invariants  FHIRPath constraints
bundles     rules of Bundles and contained resources
judge       a resource against its type and its profiles
"""

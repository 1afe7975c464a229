"""What a target holds for a member, and the judging of searches over it: shared ground of the data chapters.

`held` is the record as unfiltered searches gave it; `matching` says of a resource whether a search must, may or must not return it;
`cases` are the checks that a guide's own tables ask for.
"""

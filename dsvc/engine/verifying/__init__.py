"""Whether what is stored is what comes out when it is made again, and whether a recipe can be made at all."""

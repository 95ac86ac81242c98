"""Ways to a posterior besides NUTS: what each is given, what it hands over, which one to take.

A method is a function of a ``Problem`` (density, layout, structure), ``Settings`` and a
``Reporter`` that gives an ``Approximation`` (``approximation``): unconstrained draws, of which
everything downstream makes results as it does of a chain's. A method knows sites and levels
(``structure``), never the language. ``names`` lists them, ``dispatch`` leads to their functions.
"""

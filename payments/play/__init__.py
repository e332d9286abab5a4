"""Play money: a stand-in for Stripe's API that a site without a key runs on.

It answers the real stripe-python client in this process. ``server`` takes requests, ``world``
does what people and banks do, ``store`` and ``rows`` remember.
"""

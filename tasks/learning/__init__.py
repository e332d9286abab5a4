"""Human and model together: predictions, what to ask next, and what may be accepted unasked.

Pure mathematics without Django. scikit-learn takes a second to import, so ``baseline`` imports
it at the moment of training, which is the job runner's; everything else is light enough for a
web process.
"""

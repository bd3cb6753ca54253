"""The verb `explore`: what labelled faces there are, before anything is learnt from them."""

"""Songbook: public-domain songs become sung, arranged audio whose truth is known."""

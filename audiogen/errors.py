"""The two ways in which work ends early without being a defect of the program."""


class UserError(Exception):
    """Something that the person at the keyboard can put right; the program exits with 2.

    The message is one sentence for people: what is wrong, where, and how to mend it.
    """


class Interrupted(Exception):  # noqa: N818 (an ending, not an error)
    """The work was asked to stop and has saved what it had; the program exits with 130.

    The message says what was saved and how to go on.
    """

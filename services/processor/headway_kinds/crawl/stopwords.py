"""English stop words of four characters or more; shorter words are never counted."""

from __future__ import annotations

_WORDS = """
about above after again against also although always among another aren't because been before being below between both
can't cannot come could didn't does doesn't doing don't done down during each either else even ever every from further
have having here hers herself himself however http https i'm into isn't it's itself just know less like made make many
might more most much must myself need neither never none only onto other others ours ourselves over perhaps rather
same seem shall should since some such than that that's their theirs them themselves then there therefore these they
they're this those though through thus together toward under unless until upon used uses using very want we're well
were what when where whether which while whom whose will with within without won't would you're your yours yourself
yourselves
"""

STOP_WORDS = frozenset(_WORDS.split())

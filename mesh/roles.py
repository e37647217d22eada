"""Which keys may grant which roles: whoever signs the tokens of people must not be able to make a service of one.

Keys are named by their RFC 7638 thumbprints and not by the `kid` of the key set: an issuer chooses those freely, and
could give a key of its own the id of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from mesh.keys import SigningKey
from mesh.settings import ServiceSettings

SERVICE = "service"
OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class RoleGrants:
    """Which keys may grant a role.

    Attributes:
        keys: Thumbprints of the keys that may, by role. A role that is not named means nothing here, or every key may
            grant it.
    """

    keys: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, settings: ServiceSettings, own: SigningKey | None) -> RoleGrants:
        """Reads the settings; without a word in them only our own key makes a service, and every key an operator.

        Args:
            settings: The settings of the service.
            own: The key that this service signs its tokens with.
        """
        services = _listed(settings.service_token_keys) or frozenset({own.key_id} if own else ())
        operators = _listed(settings.operator_token_keys)
        return cls({SERVICE: services, **({OPERATOR: operators} if operators else {})})

    def granted(self, roles: frozenset[str], thumbprint: str) -> frozenset[str]:
        """Returns the roles of a token that count.

        Args:
            roles: What the token says.
            thumbprint: Of the key that signed it.
        """
        refused = frozenset(role for role in roles if thumbprint not in self.keys.get(role, {thumbprint}))
        if refused:
            structlog.get_logger("mesh.roles").warning("role_not_granted", roles=sorted(refused), key=thumbprint)
        return roles - refused


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, (item.strip() for item in text.split(","))))

"""How people write currencies: signs, names and codes. Also those without a rate: these are not another's amounts."""

from __future__ import annotations

import re
from collections.abc import Mapping

# What is used in several countries, and is none that a rate could be known for (ISO 4217: "no currency").
_UNCLEAR = "XXX"
_WORDS: Mapping[str, str] = {
    "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "bucks": "USD", "pound": "GBP", "pounds": "GBP",
    "quid": "GBP", "yen": "JPY", "franc": "CHF", "francs": "CHF", "zloty": "PLN", "zlotys": "PLN", "koruna": "CZK",
    "yuan": "CNY", "renminbi": "CNY", "rupee": "INR", "rupees": "INR", "rand": "ZAR", "baht": "THB", "forint": "HUF",
    "ruble": "RUB", "rubles": "RUB", "roubles": "RUB", "lira": "TRY", "shekel": "ILS", "shekels": "ILS",
    "ringgit": "MYR", "kronor": "SEK", "krona": "SEK", **dict.fromkeys(("kroner", "krone", "peso", "pesos"), _UNCLEAR),
}  # fmt: skip
_SIGNS: Mapping[str, str] = {
    "\u20ac": "EUR", "$": "USD", "us$": "USD", "ca$": "CAD", "c$": "CAD", "au$": "AUD", "a$": "AUD", "nz$": "NZD",
    "hk$": "HKD", "s$": "SGD", "\u00a3": "GBP", "\u00a5": "JPY", "\u0e3f": "THB", "\u20a9": "KRW", "\u20aa": "ILS",
    "\u20ab": "VND", "\u20b1": "PHP", "\u20b4": "UAH", "\u20b9": "INR", "\u20ba": "TRY", "\u20bd": "RUB",
}  # fmt: skip
# Those of ISO 4217 that no one types as another word, in small letters too.
_CODES = (
    "aed|afn|amd|ang|aoa|ars|aud|awg|azn|bbd|bdt|bgn|bhd|bif|bmd|bnd|bob|brl|bsd|btn|bwp|byn|bzd|cad|cdf|chf|clp|"
    "cny|crc|cve|czk|djf|dkk|dop|dzd|egp|ern|etb|eur|fjd|fkp|gbp|ghs|gip|gmd|gnf|gtq|gyd|hkd|hnl|htg|huf|idr|ils|"
    "inr|iqd|irr|isk|jmd|jod|jpy|kes|kgs|khr|kmf|kpw|krw|kwd|kyd|kzt|lbp|lkr|lrd|lsl|lyd|mdl|mga|mkd|mmk|mnt|mru|"
    "mur|mvr|mwk|mxn|myr|mzn|ngn|nio|nok|npr|nzd|omr|pgk|php|pkr|pln|pyg|qar|rmb|rsd|rub|rwf|sar|sbd|scr|sdg|sek|"
    "sgd|shp|sle|srd|ssp|stn|svc|syp|szl|thb|tjs|tmt|tnd|ttd|twd|tzs|uah|ugx|usd|uyu|uzs|ved|ves|vnd|vuv|wst|xaf|"
    "xcd|xof|xpf|yer|zar|zmw|zwl"
)
# Words of shops with three letters, which may stand in capitals too.
_NO_CODES = "all|and|any|bag|bra|cap|for|hat|low|max|men|min|new|not|red|tan|tee|the|top|xxl|xxs"
# Any sign of the Unicode block of currencies, known or not.
SIGNS = rf"{'|'.join(re.escape(sign) for sign in sorted(_SIGNS, key=len, reverse=True))}|[\u20a0-\u20cf]"
NAMES = "|".join(sorted(_WORDS, key=len, reverse=True))
# What may stand before an amount: a sign, or a code of ISO 4217.
BEFORE = rf"(?:(?<![a-z])(?:{SIGNS})|(?<![a-z])(?:{_CODES})(?= ?\d))"


def code_of(word: str) -> str:
    """Returns the code that a sign, a name or a code means, whether or not there is such a currency.

    Args:
        word: Folded, as one of the patterns of this module found it.
    """
    known = _WORDS.get(word) or _SIGNS.get(word)
    return known or (word.upper() if word.isascii() else _UNCLEAR)


def is_code(typed: str, start: int, end: int) -> bool:
    """Tells whether what stands behind an amount names a currency and is no other word ("under 50 for ...").

    Args:
        typed: The whole text as it was typed.
        start: Where the word begins.
        end: Where it ends.
    """
    word = typed[start:end]
    if word.lower() in _WORDS or not word.isalpha() or re.fullmatch(_CODES, word.lower()):
        return True
    # Capitals say something where not everything is in capitals.
    return word.isupper() and not typed.isupper() and not re.fullmatch(_NO_CODES, word.lower())

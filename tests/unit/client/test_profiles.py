"""The recordings that ship with the program: made by their recipes, and as bad as they say."""

from __future__ import annotations

import numpy as np
import pytest
from vitrine.sdk.profiles import PROFILES, load_profile, make_profile, profile_path
from vitrine.sdk.recording_file import read_records
from vitrine.sdk.recording_pictures import scenes_of

pytestmark = [pytest.mark.unit, pytest.mark.timeout(30)]


@pytest.mark.parametrize("name", PROFILES)
def test_profile_is_what_its_recipe_makes(name: str) -> None:
    assert list(read_records(profile_path(name))) == list(make_profile(name))
    assert profile_path(name).stat().st_size < 20_000


def test_profiles_behave_as_they_say() -> None:
    frames = {name: load_profile(name).plan().frames for name in PROFILES}
    times = [it.captured_s for it in frames["glasses-stalls"]]
    gaps = [gap for gap in np.diff(times) if gap > 0.5]
    assert len(gaps) >= 4
    assert all(0.95 < gap < 4.1 for gap in gaps)
    per_s = np.bincount([int(it.captured_s) for it in frames["glasses-collapse"]])
    assert set(per_s[:12]) <= {23, 24, 25}
    assert set(per_s[13:26]) <= {0, 1, 2}
    assert set(per_s[28:39]) <= {23, 24, 25}
    delays = [it.sent_s - it.captured_s for it in frames["glasses-bursts"]]
    assert 5 < max(delays) < 15.2
    late = [it.sent_s for it in frames["glasses-bursts"] if it.sent_s - it.captured_s > 1]
    assert len({round(at, 1) for at in late}) <= 6, "held back together, sent together"
    assert len({*scenes_of(load_profile("glasses-bursts"))}) == 8

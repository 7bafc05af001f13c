import numpy as np

from fd01.models.forecasts import rounded


def test_states_are_rounded_to_the_nearest_number_of_14_binary_digits():
    rng = np.random.default_rng(0)
    states = (rng.standard_normal(10_000) * 10.0 ** rng.integers(-20, 20, 10_000)).astype(np.float32)
    mantissa, exponent = np.frexp(states.astype(float))
    found = rounded(states)
    np.testing.assert_array_equal(found, np.ldexp(np.rint(np.ldexp(mantissa, 14)), exponent - 14))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(rounded(found), found)
    np.testing.assert_array_equal(rounded(np.float32([0, -3, 2**14 - 1])), [0, -3, 2**14 - 1])

//! A condition and an event in; holds, does not hold, or cannot be known out.

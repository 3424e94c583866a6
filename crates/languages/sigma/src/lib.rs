//! Sigma detections in, conditions out.

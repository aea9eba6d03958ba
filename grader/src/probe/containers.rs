//! The containers that the engine knows of an image.

use grader_core::{evidence::ContainersEvidence, workbook::ContainersSpec};

use super::{Place, Stop};

pub(super) async fn look(_spec: &ContainersSpec, _place: &Place<'_>) -> Result<ContainersEvidence, Stop> {
    Err(Stop::blocked("this kind of probe is not there yet", "wait for it"))
}

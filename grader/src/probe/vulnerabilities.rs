//! What a scanner knows of an image.

use grader_core::{evidence::VulnerabilitiesEvidence, workbook::VulnerabilitiesSpec};

use super::{Place, Stop};

pub(super) async fn look(
    _spec: &VulnerabilitiesSpec,
    _place: &Place<'_>,
) -> Result<VulnerabilitiesEvidence, Stop> {
    Err(Stop::blocked("this kind of probe is not there yet", "wait for it"))
}

//! Keeping verified pictures: made safe on the disk together, then given to their owners in one transaction.

use mastoc_media::{CheckedImage, StoredImage};
use mastoc_storage::StoreError;
use mastoc_storage::import::pictures::{self, VerifiedImage};

use super::StoreTarget;
use crate::error::EngineError;
use crate::plan::{PictureOwner, PicturePlan};
use crate::target::{Cause, Kept, PictureError};

impl StoreTarget {
    /// Makes verified pictures safe on the disk, and then theirs whose they are: all in one transaction. Each comes
    /// with its place.
    pub(super) fn attach(
        &self,
        plans: Vec<(usize, &PicturePlan)>,
        images: Vec<CheckedImage>,
    ) -> Vec<(usize, Result<Kept, PictureError>)> {
        let (Some(media), false) = (&self.media, images.is_empty()) else { return Vec::new() };
        let context = self.context();
        let attached = media.keep_all(images).map_err(EngineError::from).and_then(|images| {
            let verified: Vec<VerifiedImage> = images.iter().map(verified).collect();
            self.transaction(|conn| {
                let mut known = Vec::with_capacity(plans.len());
                for ((_, plan), image) in plans.iter().zip(&verified) {
                    known.push(match pictures::attach(conn, &context, owner(plan), &plan.path, image) {
                        Ok(()) => Some(image.size_bytes),
                        Err(StoreError::NotFound) => None,
                        Err(error) => return Err(error),
                    });
                }
                Ok(known)
            })
        });
        match attached {
            Ok(known) => plans
                .into_iter()
                .zip(known)
                .map(|((at, _), size_bytes)| {
                    let answer = size_bytes.map(|size_bytes| Kept { size_bytes });
                    let nobodys = || PictureError::Bad {
                        detail: "whoever it belongs to was not imported".to_owned(),
                        cause: Cause::Picture,
                    };
                    (at, answer.ok_or_else(nobodys))
                })
                .collect(),
            // It ends the run: said once is enough.
            Err(error) => {
                plans.first().map(|(at, _)| (*at, Err(PictureError::Target(error)))).into_iter().collect()
            }
        }
    }
}

fn owner(picture: &PicturePlan) -> pictures::PictureOwner {
    match picture.owner {
        PictureOwner::Face(id) => pictures::PictureOwner::Face(id),
        PictureOwner::Avatar(id) => pictures::PictureOwner::Avatar(id),
    }
}

fn verified(image: &StoredImage) -> VerifiedImage {
    VerifiedImage {
        sha256: image.sha256.to_string(),
        media_type: image.kind.mime().to_owned(),
        width: image.width,
        height: image.height,
        size_bytes: image.size_bytes,
    }
}

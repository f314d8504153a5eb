//! Who took a message that goes to each recipient by itself, so that nobody gets it twice because of another.

use std::collections::{BTreeSet, VecDeque};

/// Messages under way that are remembered; of one that is forgotten, everybody gets another copy.
const MESSAGES_MAX: usize = 1_000;

/// The messages that some recipient has not settled yet.
#[derive(Debug, Default)]
pub(super) struct Courses(VecDeque<Course>);

#[derive(Debug)]
struct Course {
    id: String,
    /// The recipients that took it, or refused it for good, by their places.
    settled: BTreeSet<usize>,
    somebody_took_it: bool,
}

impl Courses {
    /// Whether the message was tried with each by itself before.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|course| course.id == id)
    }

    /// Whether a recipient needs no further attempt.
    pub(super) fn is_settled(&self, id: &str, recipient: usize) -> bool {
        let mut courses = self.0.iter();
        courses.any(|course| course.id == id && course.settled.contains(&recipient))
    }

    /// A recipient took the message.
    pub(super) fn took(&mut self, id: &str, recipient: usize) {
        let course = self.course(id);
        course.settled.insert(recipient);
        course.somebody_took_it = true;
    }

    /// A recipient refused it for good.
    pub(super) fn refused(&mut self, id: &str, recipient: usize) {
        self.course(id).settled.insert(recipient);
    }

    /// Every recipient has settled it. Whether any took it.
    pub(super) fn end(&mut self, id: &str) -> bool {
        let place = self.0.iter().position(|course| course.id == id);
        let ended = place.and_then(|place| self.0.remove(place));
        ended.is_some_and(|course| course.somebody_took_it)
    }

    fn course(&mut self, id: &str) -> &mut Course {
        let known = self.0.iter().position(|course| course.id == id);
        let place = known.unwrap_or_else(|| {
            if self.0.len() == MESSAGES_MAX {
                self.0.pop_front();
            }
            self.0.push_back(Course {
                id: id.to_owned(),
                settled: BTreeSet::new(),
                somebody_took_it: false,
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

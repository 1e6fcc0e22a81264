//! Questions of an object whether a client has room for more, and their answers.

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::gateway::RequestKey;

/// The handlers that wait until a client has received nearly all bytes that were sent to it.
#[derive(Debug, Default)]
pub(in crate::object) struct RoomQuestions(Mutex<Vec<(RequestKey, oneshot::Sender<()>)>>);

/// A question that waits for its answer. It is withdrawn when it is dropped.
#[derive(Debug)]
pub(in crate::object) struct RoomQuestion<'a> {
    all: &'a RoomQuestions,
    pub(in crate::object) request: RequestKey,
    answer: oneshot::Receiver<()>,
}

impl RoomQuestions {
    /// Opens a question.
    pub(in crate::object) fn open(&self) -> RoomQuestion<'_> {
        let request = RequestKey::next();
        let (asking, answer) = oneshot::channel();
        self.0.lock().push((request, asking));
        RoomQuestion { all: self, request, answer }
    }

    /// Answers a question; one that was withdrawn is ignored.
    pub(in crate::object) fn answer(&self, request: RequestKey) {
        if let Some(asking) = self.take(request) {
            let _ = asking.send(());
        }
    }

    fn take(&self, request: RequestKey) -> Option<oneshot::Sender<()>> {
        let mut questions = self.0.lock();
        let at = questions.iter().position(|(key, _)| *key == request)?;
        Some(questions.swap_remove(at).1)
    }
}

impl RoomQuestion<'_> {
    /// Waits for the answer.
    pub(in crate::object) async fn answered(mut self) {
        let _ = (&mut self.answer).await;
    }
}

impl Drop for RoomQuestion<'_> {
    fn drop(&mut self) {
        drop(self.all.take(self.request));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn each_question_gets_its_own_answer() {
        let questions = RoomQuestions::default();
        let (one, other) = (questions.open(), questions.open());
        let key = one.request;
        let mut waiting = Box::pin(one.answered());
        assert!(waiting.as_mut().now_or_never().is_none());
        questions.answer(other.request);
        assert!(waiting.as_mut().now_or_never().is_none());
        questions.answer(key);
        assert!(waiting.as_mut().now_or_never().is_some());
        drop(other);
        assert!(questions.0.lock().is_empty());
    }
}

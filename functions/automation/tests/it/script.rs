//! Stand-ins for the scheduler's commands: they do what the test says.

use std::sync::{Arc, Mutex};

use shared::commands::{Progress, Step};
use shared::jobs::{JobError, Jobs};
use shared::testing::TestApp;

use crate::{jobs, settings};

/// A portal whose `test_command` answers what the test puts into the list, then succeeds.
pub async fn scripted() -> (TestApp, Script) {
    let script = Script::default();
    let app = TestApp::with(settings(), automation::routes(), jobs().merge(script.jobs())).await;
    (app, script)
}

/// What the stand-in commands answer, and how often they were called.
#[derive(Clone, Default)]
pub struct Script {
    pub answers: Arc<Mutex<Vec<Result<Progress, String>>>>,
    pub calls: Arc<Mutex<Vec<Option<i64>>>>,
}

impl Script {
    pub fn fails(&self, times: usize) {
        let failures = (0..times).map(|_| Err("no answer from the server".to_owned()));
        self.answers.lock().unwrap().extend(failures);
    }

    pub fn answers(&self, answers: impl IntoIterator<Item = Result<Progress, String>>) {
        self.answers.lock().unwrap().extend(answers);
    }

    pub fn calls(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    fn work(&self, step: &Step) -> Result<Progress, JobError> {
        self.calls.lock().unwrap().push(step.company);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.is_empty() { Ok(Progress::Done("done".to_owned())) } else { answers.remove(0) };
        answer.map_err(JobError::Fail)
    }

    pub fn jobs(&self) -> Jobs {
        let (one, each) = (self.clone(), self.clone());
        Jobs::none()
            .command("test_command", move |step| {
                let answer = one.work(&step);
                async move { answer }
            })
            .company_command("test_companies", with_syncro, move |step| {
                let answer = each.work(&step);
                async move { answer }
            })
    }
}

async fn with_syncro(step: Step) -> Result<Vec<(i64, String)>, JobError> {
    let found =
        shared::db::sql("SELECT id, name FROM companies WHERE syncro_company_id IS NOT NULL ORDER BY id LIMIT 500");
    Ok(found.fetch_all(step.db()).await?)
}

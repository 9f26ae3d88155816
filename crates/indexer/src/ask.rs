//! Asking contracts what logs do not tell, as of the very blocks that are committed.

use crate::{
    Answer, Asking, Block, IndexError, Question, commit::told_apart, follow::Session,
    sources::Sources,
};
use chain::Endpoint;
use vocab::{Address, BlockRef};

/// How far what is not known yet was looked through.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unread {
    done: bool,
    after: Option<(Address, Address)>,
}

impl Session {
    /// What the projector wants to know of contracts as of these blocks, of those above `after`.
    ///
    /// # Errors
    /// [`IndexError::Unanswered`] when the endpoint can't tell, beside those of the database.
    pub(crate) async fn ask_about(
        &self,
        endpoint: &Endpoint,
        (blocks, after): (&[Block], u64),
        sources: &Sources,
    ) -> Result<Vec<Answer>, IndexError> {
        if !self.projector.asks(sources) {
            return Ok(Vec::new());
        }
        let (_, followed) = told_apart(blocks, sources);
        let blocks: Vec<BlockRef> = blocks.iter().map(Block::block).collect();
        let asking = Asking {
            chain_id: self.chain.id,
            blocks: &blocks,
            after,
            followed: &followed,
            sources,
            reread_blocks: self.options.reread_blocks,
        };
        let mut connection = self.db.acquire().await.map_err(db::DbError::from)?;
        let questions = self.projector.questions(&mut connection, &asking).await?;
        drop(connection);
        answers(endpoint, questions).await
    }

    /// Is there nothing that is still to be asked?
    pub(crate) fn all_read(&self) -> bool {
        self.unread.done || !self.projector.asks(&self.sources)
    }

    /// Some rows may have become unknown.
    pub(crate) fn look_for_unread(&mut self) {
        self.unread = Unread::default();
    }

    /// Ask for a page of what is not known, as of our head, and commit it. False when there is
    /// nothing (more).
    ///
    /// # Errors
    /// Those of [`Self::ask_about`], and of a commit.
    pub(crate) async fn read_unread(&mut self) -> Result<bool, IndexError> {
        if self.all_read() {
            return Ok(false);
        }
        let (chain, at) = (self.chain.id, self.checkpoint.block);
        let mut connection = self.db.acquire().await.map_err(db::DbError::from)?;
        let page = (at, self.unread.after);
        let questions = self.projector.unread(&mut connection, chain, &self.sources, page).await?;
        drop(connection);
        let Some(last) = questions.last().map(|one| (one.contract, one.account)) else {
            self.unread.done = true;
            return Ok(false);
        };
        let answers = answers(self.endpoint(), questions).await?;
        self.commit_answers(&answers).await?;
        tracing::debug!(chain.id = %chain, at.number, answers = answers.len(),
            "balances were read that were not known");
        self.unread.after = Some(last);
        Ok(true)
    }
}

async fn answers(endpoint: &Endpoint, questions: Vec<Question>) -> Result<Vec<Answer>, IndexError> {
    let mut answers = Vec::with_capacity(questions.len());
    for of_block in questions.chunk_by(|one, next| one.block == next.block) {
        let Some(BlockRef { number, hash }) = of_block.first().map(|one| one.block) else {
            continue;
        };
        let question =
            |one: &Question| chain::Question { to: one.contract, input: one.input.clone() };
        let asked: Vec<chain::Question> = of_block.iter().map(question).collect();
        let unanswered = |source| IndexError::Unanswered { block: number, source };
        let said = endpoint.ask(hash, &asked).await.map_err(unanswered)?.answers;
        metrics::counter!("indexer_contracts_asked_total").increment(said.len() as u64);
        let answer = |(question, said): (&Question, _)| Answer { question: question.clone(), said };
        answers.extend(of_block.iter().zip(said).map(answer));
    }
    Ok(answers)
}

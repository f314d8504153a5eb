//! What the screen shows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use etcd_monitor_bench::{Load, Phase, Progress, Second, SecondsBoard, Until};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, LineGauge, Paragraph, Sparkline};

use crate::progress::name;

/// Seconds that the line of answers shows at most: more than any terminal has columns.
const SECONDS_MAX: usize = 600;

/// A member, in a line.
#[derive(Debug, Clone)]
pub(super) struct MemberView {
    pub(super) endpoint: String,
    pub(super) told: String,
}

/// What is known now.
#[derive(Debug)]
pub(super) struct View {
    title: String,
    until: Until,
    warmup_seconds: f64,
    phase: Phase,
    began: Instant,
    elapsed_seconds: f64,
    board: Arc<SecondsBoard>,
    progress: Option<Progress>,
    /// Answers of each whole second.
    answers: VecDeque<u64>,
    newest: Option<u64>,
    pub(super) members: Vec<MemberView>,
    is_stopping: bool,
}

impl View {
    pub(super) fn new(title: &str, load: &Load) -> Self {
        Self {
            title: title.to_owned(),
            until: load.until,
            warmup_seconds: load.warmup_seconds,
            phase: Phase::Checking,
            began: Instant::now(),
            elapsed_seconds: 0.0,
            board: Arc::default(),
            progress: None,
            answers: VecDeque::new(),
            newest: None,
            members: Vec::new(),
            is_stopping: false,
        }
    }

    pub(super) fn begins(&mut self, phase: Phase, board: &Arc<SecondsBoard>) {
        self.phase = phase;
        self.began = Instant::now();
        // The numbers of the measurement stay while it cleans up.
        if phase != Phase::CleaningUp {
            self.board = Arc::clone(board);
            self.answers.clear();
            self.newest = None;
        }
    }

    /// It was asked to end.
    pub(super) fn stops(&mut self) {
        self.is_stopping = true;
    }

    /// Takes the numbers of now.
    pub(super) fn look(&mut self, now: Instant) {
        self.elapsed_seconds = now.saturating_duration_since(self.began).as_secs_f64();
        let progress = self.board.progress();
        if let Some(latest) = &progress.latest
            && self.newest.is_none_or(|newest| newest < latest.second)
        {
            // Seconds in which nothing was answered are told by their absence.
            let silent = latest.second - self.newest.map_or(latest.second, |newest| newest + 1);
            for _ in 0..silent.min(SECONDS_MAX as u64) {
                self.answers.push_back(0);
            }
            self.answers.push_back(latest.succeeded);
            self.newest = Some(latest.second);
        }
        while self.answers.len() > SECONDS_MAX {
            self.answers.pop_front();
        }
        self.progress = Some(progress);
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let members = u16::try_from(self.members.len().max(1)).unwrap_or(u16::MAX);
        let rows = Layout::vertical([
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Min(4),
            Constraint::Length(4),
            Constraint::Length(members.saturating_add(2)),
            Constraint::Length(1),
        ]);
        let [title, gauge, answers, latencies, members, keys] = rows.areas(frame.area());
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let heading = format!(
            "etcd-bench {}: {}, {:.0} s",
            self.title,
            name(self.phase),
            self.elapsed_seconds
        );
        frame.render_widget(Line::styled(heading, bold), title);
        let (done, told) = self.done();
        let done = LineGauge::default().ratio(done).label(told);
        frame.render_widget(done, gauge);
        self.draw_answers(frame, answers);
        self.draw_latencies(frame, latencies);
        let lines = self.members.iter();
        let lines = lines.map(|member| Line::raw(format!("{}  {}", member.endpoint, member.told)));
        let block = Block::bordered().title(" members ");
        frame.render_widget(
            Paragraph::new(lines.collect::<Vec<_>>()).block(block),
            members,
        );
        let told = if self.is_stopping {
            "stopping: the report of what ran comes next; once more to leave at once"
        } else {
            "q or Ctrl-C ends it, and brings the report of what ran"
        };
        frame.render_widget(Line::raw(told), keys);
    }

    fn draw_answers(&self, frame: &mut Frame<'_>, area: Rect) {
        let most = self.answers.iter().copied().max().unwrap_or(0);
        let last = self.answers.back().copied().unwrap_or(0);
        let title = format!(" answers per second: {last} now, {most} at most ");
        let width = usize::from(area.width.saturating_sub(2));
        let skipped = self.answers.len().saturating_sub(width);
        let shown = self.answers.iter().skip(skipped).copied();
        let line = Sparkline::default()
            .data(shown.collect::<Vec<u64>>())
            .block(Block::bordered().title(title));
        frame.render_widget(line, area);
    }

    fn draw_latencies(&self, frame: &mut Frame<'_>, area: Rect) {
        let latest = self.progress.as_ref().and_then(|of| of.latest.as_ref());
        let of = |value: fn(&Second) -> Option<f64>| {
            let seconds = latest.and_then(value);
            seconds.map_or("-".to_owned(), |seconds| format!("{:.2} ms", 1e3 * seconds))
        };
        let quantiles = format!(
            "p50 {}   p99 {}   longest {}",
            of(|second| second.p50_seconds),
            of(|second| second.p99_seconds),
            of(|second| second.max_seconds)
        );
        let (succeeded, failed) = self
            .progress
            .as_ref()
            .map_or((0, 0), |of| (of.succeeded, of.failed));
        let counts = format!("{succeeded} answered, {failed} failed");
        let block = Block::bordered().title(" the last second ");
        let lines = vec![Line::raw(quantiles), Line::raw(counts)];
        frame.render_widget(Paragraph::new(lines).block(block), area);
    }

    /// How much of the phase is done, from 0 to 1, and the same in words.
    fn done(&self) -> (f64, String) {
        let counted = self
            .progress
            .as_ref()
            .map_or(0, |of| of.succeeded + of.failed);
        let of_count = |all: u64| (counted as f64 / all as f64, format!("{counted} of {all}"));
        let (share, told) = match (self.phase, self.until) {
            (Phase::Populating(all), _) | (Phase::Measuring, Until::Operations(all)) => {
                of_count(all)
            }
            (Phase::Measuring, Until::Seconds(seconds)) => {
                let all = seconds + self.warmup_seconds;
                let told = format!("{:.0} of {all:.0} s", self.elapsed_seconds);
                (self.elapsed_seconds / all, told)
            }
            _ => (0.0, String::new()),
        };
        let share = if share.is_finite() { share } else { 0.0 };
        (share.clamp(0.0, 1.0), told)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn shown(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn phase_answers_latencies_errors_and_members_are_shown() {
        let mut view = View::new("write", &Load::new(Until::Operations(1_000)));
        view.begins(Phase::Measuring, &Arc::default());
        view.answers.extend([10, 200, 150]);
        view.members.push(MemberView {
            endpoint: "http://10.0.0.1:2379".to_owned(),
            told: "leader, term 3".to_owned(),
        });
        let text = shown(&view, 100, 24);
        for part in [
            "etcd-bench write: measuring, 0 s",
            "150 now, 200 at most",
            "p50 -   p99 -",
            "0 answered, 0 failed",
            "http://10.0.0.1:2379  leader, term 3",
            "q or Ctrl-C ends it",
        ] {
            assert!(text.contains(part), "no {part:?} in {text}");
        }
        view.stops();
        assert!(shown(&view, 100, 24).contains("once more"));
    }

    #[test]
    fn a_terminal_of_any_size_will_do() {
        let mut view = View::new("write", &Load::new(Until::Seconds(5.0)));
        view.answers.extend(0..1_000);
        view.look(Instant::now());
        for (width, height) in [(1, 1), (10, 3), (300, 100)] {
            shown(&view, width, height);
        }
        assert!(view.answers.len() <= SECONDS_MAX);
    }
}

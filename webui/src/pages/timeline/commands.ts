import type { Command } from '../../shell/commands.svelte';
import { t } from '../../text';
import { PERIODS, type Period } from './periods';

interface Actions {
  pan(share: number): void;
  zoom(factor: number): void;
  period(period: Period): void;
  today(): void;
  mark(): void;
  follow(): void;
}

/** What can be done with keys on the whole page. The canvas has more of its own while it has the focus (stageKeys). */
export function timelineCommands(act: Actions): Command[] {
  const group = t('timeline.title');
  const key = (id: string, title: string, keys: string, run: () => void, onlyKey = true): Command => ({
    id: `timeline.${id}`,
    title,
    group,
    keys,
    run,
    onlyKey,
  });
  return [
    key('left', t('timeline.earlier'), 'ArrowLeft', () => act.pan(-0.25)),
    key('right', t('timeline.later'), 'ArrowRight', () => act.pan(0.25)),
    key('page-left', t('timeline.earlierPage'), 'Shift+ArrowLeft', () => act.pan(-1)),
    key('page-right', t('timeline.laterPage'), 'Shift+ArrowRight', () => act.pan(1)),
    key('in', t('timeline.zoomIn'), '+', () => act.zoom(0.5)),
    key('in2', t('timeline.zoomIn'), '=', () => act.zoom(0.5)),
    key('out', t('timeline.zoomOut'), '-', () => act.zoom(2)),
    key('all', t('timeline.period.all'), 'Home', () => act.period('all')),
    key('today', t('common.today'), 't', () => act.today(), false),
    key('follow', t('timeline.follow'), 'l', () => act.follow(), false),
    key('mark', t('timeline.marking'), 'r', () => act.mark(), false),
    ...PERIODS.map((period, i) =>
      key(`period-${period}`, t(`timeline.period.${period}`), String(i + 1), () => act.period(period)),
    ),
  ];
}

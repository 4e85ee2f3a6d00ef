import { PALETTE, tokenColor } from '../design';

/** ECharts' theme from the tokens, as they are now. A page writes no colour of its own into an option, except those of categories. */
export function chartTheme(): Record<string, unknown> {
  const text = tokenColor('--text');
  const dim = tokenColor('--text-dim');
  const line = tokenColor('--line');
  const raised = tokenColor('--raised');
  const axis = {
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: dim, fontSize: 12 },
    splitLine: { lineStyle: { color: [line] } },
    splitArea: { show: false },
  };
  return {
    color: [...PALETTE],
    backgroundColor: 'transparent',
    textStyle: { color: text, fontFamily: getComputedStyle(document.body).fontFamily },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: axis,
    timeAxis: axis,
    logAxis: axis,
    legend: { textStyle: { color: text }, inactiveColor: dim },
    tooltip: { backgroundColor: raised, borderColor: line, textStyle: { color: text, fontSize: 13 } },
  };
}

/** Resolves a category's colour for a canvas, which knows no CSS variables. */
export function canvasColor(color: string): string {
  const token = /^var\((--[\w-]+)\)$/.exec(color);
  return token?.[1] === undefined ? color : tokenColor(token[1] as `--${string}`);
}

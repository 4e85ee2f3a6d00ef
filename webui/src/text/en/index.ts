import activity from './activity.json';
import categories from './categories.json';
import common from './common.json';
import data from './data.json';
import firstRun from './first-run.json';
import goals from './goals.json';
import log from './log.json';
import query from './query.json';
import report from './report.json';
import search from './search.json';
import settings from './settings.json';
import shell from './shell.json';
import status from './status.json';
import stopwatch from './stopwatch.json';
import timeline from './timeline.json';
import trends from './trends.json';
import watchers from './watchers.json';

export default {
  activity,
  categories,
  common,
  data,
  'first-run': firstRun,
  goals,
  log,
  query,
  report,
  search,
  settings,
  shell,
  status,
  stopwatch,
  timeline,
  trends,
  watchers,
};

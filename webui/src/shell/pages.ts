import Activity from '@lucide/svelte/icons/chart-pie';
import Categories from '@lucide/svelte/icons/tags';
import Data from '@lucide/svelte/icons/database';
import Goals from '@lucide/svelte/icons/target';
import Log from '@lucide/svelte/icons/history';
import Query from '@lucide/svelte/icons/square-terminal';
import Report from '@lucide/svelte/icons/file-spreadsheet';
import Search from '@lucide/svelte/icons/search';
import Settings from '@lucide/svelte/icons/settings';
import Status from '@lucide/svelte/icons/heart-pulse';
import Stopwatch from '@lucide/svelte/icons/timer';
import Timeline from '@lucide/svelte/icons/chart-gantt';
import Trends from '@lucide/svelte/icons/trending-up';
import type { Component } from 'svelte';
import type { MessageKey } from '../text';
import { LOADS } from './loads';

/** A page gets the parameters of its path; everything else it reads from `route`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- pages without parameters have no properties at all
export type PageComponent = Component<any>;

export interface Page {
  readonly name: string;
  readonly path: string;
  readonly title: MessageKey;
  readonly load: () => Promise<{ default: PageComponent }>;
  readonly icon?: Component<{ size?: number | string; 'aria-hidden'?: 'true' }>;
  /** Where the navigation shows it: `first` also in the bottom bar of a narrow screen. */
  readonly nav?: 'first' | 'look' | 'shape' | 'machine';
  /** The key after `g` that leads here. */
  readonly key?: string;
}

export const PAGES: readonly Page[] = [
  {
    name: 'activity',
    path: '/activity',
    title: 'activity.title',
    nav: 'first',
    key: 'a',
    icon: Activity,
    load: LOADS.activity,
  },
  {
    name: 'timeline',
    path: '/timeline',
    title: 'timeline.title',
    nav: 'first',
    key: 't',
    icon: Timeline,
    load: LOADS.timeline,
  },
  {
    name: 'trends',
    path: '/trends',
    title: 'trends.title',
    nav: 'look',
    key: 'r',
    icon: Trends,
    load: LOADS.trends,
  },
  {
    name: 'report',
    path: '/report',
    title: 'report.title',
    nav: 'look',
    key: 'e',
    icon: Report,
    load: LOADS.report,
  },
  {
    name: 'search',
    path: '/search',
    title: 'search.title',
    nav: 'first',
    key: 's',
    icon: Search,
    load: LOADS.search,
  },
  {
    name: 'stopwatch',
    path: '/stopwatch',
    title: 'stopwatch.title',
    nav: 'first',
    key: 'w',
    icon: Stopwatch,
    load: LOADS.stopwatch,
  },
  {
    name: 'goals',
    path: '/goals',
    title: 'goals.title',
    nav: 'look',
    key: 'o',
    icon: Goals,
    load: LOADS.goals,
  },
  {
    name: 'query',
    path: '/query',
    title: 'query.title',
    nav: 'shape',
    key: 'q',
    icon: Query,
    load: LOADS.query,
  },
  {
    name: 'categories',
    path: '/categories',
    title: 'categories.title',
    nav: 'shape',
    key: 'c',
    icon: Categories,
    load: LOADS.categories,
  },
  {
    name: 'data',
    path: '/data',
    title: 'data.title',
    nav: 'shape',
    key: 'd',
    icon: Data,
    load: LOADS.data,
  },
  { name: 'bucket', path: '/data/:bucket', title: 'data.title', load: LOADS.bucket },
  {
    name: 'log',
    path: '/log',
    title: 'log.title',
    nav: 'machine',
    key: 'l',
    icon: Log,
    load: LOADS.log,
  },
  {
    name: 'status',
    path: '/status',
    title: 'status.title',
    nav: 'machine',
    key: 'u',
    icon: Status,
    load: LOADS.status,
  },
  {
    name: 'settings',
    path: '/settings',
    title: 'settings.title',
    nav: 'machine',
    key: 'i',
    icon: Settings,
    load: LOADS.settings,
  },
  {
    name: 'first-run',
    path: '/welcome',
    title: 'first-run.title',
    load: LOADS['first-run'],
  },
  {
    name: 'gallery',
    path: '/gallery',
    title: 'shell.gallery',
    load: LOADS.gallery,
  },
];

/** The code of each page, by its name. It is apart from what else is known of pages, so that it can be asked for before anything else is here. */
export const LOADS = {
  activity: () => import('../pages/activity/ActivityPage.svelte'),
  timeline: () => import('../pages/timeline/TimelinePage.svelte'),
  trends: () => import('../pages/trends/TrendsPage.svelte'),
  report: () => import('../pages/report/ReportPage.svelte'),
  search: () => import('../pages/search/SearchPage.svelte'),
  stopwatch: () => import('../pages/stopwatch/StopwatchPage.svelte'),
  goals: () => import('../pages/goals/GoalsPage.svelte'),
  query: () => import('../pages/query/QueryPage.svelte'),
  categories: () => import('../pages/categories/CategoriesPage.svelte'),
  data: () => import('../pages/data/DataPage.svelte'),
  bucket: () => import('../pages/data/BucketPage.svelte'),
  log: () => import('../pages/log/LogPage.svelte'),
  status: () => import('../pages/status/StatusPage.svelte'),
  settings: () => import('../pages/settings/SettingsPage.svelte'),
  'first-run': () => import('../pages/first-run/FirstRunPage.svelte'),
  gallery: () => import('../design/gallery/GalleryPage.svelte'),
};

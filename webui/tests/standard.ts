import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>ActivityWatch</title><link rel="icon" href="data:,"><script defer src="/js/app.js"></script></head>
<body><h1>The standard web UI</h1><label>Start of day <input id="start" type="time"></label></body>
</html>
`;

// The settings as the standard web UI reads and writes them: all at once, and one by its name as JSON.
const SCRIPT = `
const input = document.getElementById('start');
fetch('/api/0/settings').then((answer) => answer.json()).then((settings) => { input.value = settings.startOfDay ?? '04:00'; });
input.addEventListener('change', () => fetch('/api/0/settings/startOfDay', {
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(input.value),
}));
`;

/**
 * The directory of a standard web UI for `--webpath`. No package registry has a complete one (the wheel `aw-server` 0.12.0 lacks its scripts), so this is a page
 * that treats settings as that does.
 */
export async function standardWebUi(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'timberline-standard-'));
  await mkdir(join(directory, 'js'));
  await writeFile(join(directory, 'index.html'), PAGE);
  await writeFile(join(directory, 'js', 'app.js'), SCRIPT);
  return directory;
}

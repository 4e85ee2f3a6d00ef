import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [svelte()],
        resolve: { conditions: ['browser'] },
        test: {
          name: 'unit',
          testTimeout: 60_000,
          include: ['src/**/*.test.ts'],
          environment: 'node',
          env: { TZ: 'Europe/Berlin' },
        },
      },
      {
        test: {
          name: 'browser',
          include: ['tests/**/*.test.ts'],
          environment: 'node',
          testTimeout: 240_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          // The last net: a browser on a busy machine has faults of its own (a lost target, a crashed tab). A fault of the page fails twice, because
          // each test that changes something has a server of its own.
          retry: 1,
          // A machine that is busy with other work is slow, not wrong.
          expect: { poll: { timeout: 60_000 } },
        },
      },
      {
        test: {
          name: 'pictures',
          include: ['tests/pictures.ts'],
          environment: 'node',
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { compressed } from './build/compressed';
import { cspHeader, DEV_NONCE } from './build/csp';
import { plainIcons } from './build/icons';

const server = process.env['TIMBERLINE_SERVER'] ?? 'http://127.0.0.1:5600';

/** `src/boot.ts` and what it imports. */
const FIRST =
  /preload-helper|src\/(boot|api\/(early|key)|shell\/(address|loads)|settings\/(landing|look)|text\/languages)\.ts$/;

export default defineConfig(({ command }) => ({
  base: './',
  plugins: [plainIcons(), svelte(), compressed()],
  ...(command === 'serve' ? { html: { cspNonce: DEV_NONCE } } : {}),
  build: {
    target: ['chrome125', 'firefox128', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        entryFileNames: 'assets/[name]-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
        codeSplitting: {
          groups: [
            // What runs first is a file of its own, so that it does not wait until all others are read.
            { name: 'boot', test: FIRST, priority: 2 },
            // Icons that several pages use would be two dozen files of a few hundred bytes.
            { name: 'icons', test: /@lucide/, minShareCount: 2 },
          ],
        },
      },
    },
  },
  server: {
    port: 27180,
    proxy: { '/api': { target: server, changeOrigin: true }, '/mcp': server, '/health': server },
    headers: {
      'Content-Security-Policy': cspHeader({
        'script-src': `'self' 'nonce-${DEV_NONCE}'`,
        'style-src': `'self' 'nonce-${DEV_NONCE}'`,
      }),
    },
  },
  preview: { headers: { 'Content-Security-Policy': cspHeader() } },
}));

import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

/** The page of the window: built once, shown by the tray app and served by the bridge to a browser. */
export default defineConfig({
  root: 'renderer',
  // The tray app shows it at the root of a scheme of its own, the bridge below /ui/.
  base: '/ui/',
  plugins: [react(), tailwind()],
  build: { outDir: '../dist/page', emptyOutDir: true, sourcemap: false, modulePreload: { polyfill: false } },
})

import { defineConfig } from 'vite';

// The built files are committed and embedded in the daemon: their names are fixed, their bytes depend on the sources
// alone, and every URL in them is relative, so that the page works under any external path prefix.
export default defineConfig({
  base: './',
  worker: {
    format: 'es',
    rollupOptions: { output: { entryFileNames: 'live.js', codeSplitting: false } },
  },
  build: {
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        assetFileNames: 'app[extname]',
        codeSplitting: false,
      },
    },
  },
});

// Runs the benchmarks, which are TypeScript, with plain Node 20 or later: `node run.mjs [options]`.
// The sources are bundled into `dist/`; packages are taken as they were built (`npm run build`).
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('.', import.meta.url))
const missing = ['@ctr/runtime', '@ctr/linux'].find(
  (name) => !existsSync(fileURLToPath(import.meta.resolve(name))),
)
if (missing !== undefined) {
  console.error(`${missing} is not built yet: run \`npm run build\` first`)
  process.exit(1)
}

const outdir = join(folder, 'dist', String(process.pid))
process.on('exit', () => rmSync(outdir, { recursive: true, force: true }))

await build({
  entryPoints: [join(folder, 'src/main.ts'), join(folder, 'src/idle-worker.ts')],
  outdir,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: 'inline',
  sourcesContent: false,
  logLevel: 'warning',
}).catch(() => process.exit(1))

const flags = ['--enable-source-maps', ...process.execArgv]
const child = spawn(process.execPath, [...flags, join(outdir, 'main.mjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
})
// a terminal sends Ctrl-C to the child by itself; others signal only us
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal]
})

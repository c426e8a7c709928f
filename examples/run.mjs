// Runs an example, which is TypeScript, with plain Node 20 or later: `node run.mjs NAME [arguments]`.
// The script is bundled into one temporary file; packages are taken as they were built (`npm run build`).
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const folder = fileURLToPath(new URL('.', import.meta.url))
const [name, ...args] = process.argv.slice(2)
const names = readdirSync(folder).flatMap((file) => /^([\w-]+)\.ts$/.exec(file)?.[1] ?? [])

if (name === undefined || !names.includes(name)) {
  const said = name === undefined ? 'which example?' : `there is no example ${name}.`
  console.error(`${said} These are here: ${names.join(', ')}`)
  process.exit(1)
}

// from the beginning on, so that a signal never leaves a script that nobody waits for
let child
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () =>
    child === undefined ? process.exit(128 + constants.signals[signal]) : child.kill(signal),
  )
}

const temporary = mkdtempSync(join(tmpdir(), 'ctr-example-'))
process.on('exit', () => rmSync(temporary, { recursive: true, force: true }))
const script = join(temporary, `${name}.mjs`)

try {
  await build({
    entryPoints: [join(folder, `${name}.ts`)],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [
      { name: 'packages', setup: (bundler) => bundler.onResolve({ filter: /^@ctr\// }, builtPackage) },
    ],
  })
} catch (error) {
  for (const { text, location } of error.errors ?? [{ text: String(error) }]) {
    console.error(location ? `${location.file}:${location.line}: ${text}` : text)
  }
  process.exit(1)
}

child = spawn(process.execPath, ['--enable-source-maps', script, ...args], { stdio: 'inherit' })
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal]
})

/** Packages stay outside of the bundle; the temporary file can only name them by their full path. */
function builtPackage({ path }) {
  const url = import.meta.resolve(path)
  if (existsSync(fileURLToPath(url))) return { path: url, external: true }
  return { errors: [{ text: `${path} is not built yet: run \`npm run build\` first` }] }
}

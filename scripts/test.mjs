// Runs all tests that this machine can run: first what needs nothing, then what needs the real kernel.
//
//   node scripts/test.mjs [unit | privileged] [jest options]
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--silent=false']
const configs = { unit: 'jest.config.js', privileged: 'jest.privileged.config.js' }
const more = process.argv.slice(2)
const chosen = more[0] in configs ? [configs[more.shift()]] : Object.values(configs)

for (const config of chosen) {
  const { status } = spawnSync(process.execPath, [...node, '--config', config, ...more], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

// Runs all tests that this machine can run: first what needs nothing, then what needs the real kernel.
//
//   node scripts/test.mjs [jest options]
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const jest = createRequire(import.meta.url).resolve('jest/bin/jest')
const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--silent=false']
const more = process.argv.slice(2)

for (const config of ['jest.config.js', 'jest.privileged.config.js']) {
  const { status } = spawnSync(process.execPath, [...node, '--config', config, ...more], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

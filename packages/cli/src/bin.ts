#!/usr/bin/env node
import { commandName, loadCached } from '@ctr/start'

const argv = process.argv.slice(2)
const withValue = new Set([
  '-H',
  '--host',
  '--root',
  '--state',
  '--userns-remap',
  '--registries-conf',
  '--registry-mirror',
  '--insecure-registry',
])
const { run } = loadCached(`${__dirname}/main.cjs`, {
  program: 'ctrjs',
  use: commandName(argv, withValue),
}) as typeof import('./executable.js')

// code that is kept compiled has no import() of its own
void run(argv, () => import('@ctr/engine'))

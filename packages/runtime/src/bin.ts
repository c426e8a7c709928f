#!/usr/bin/env node
import { commandName, loadCached } from '@ctr/start'

const argv = process.argv.slice(2)
const { run } = loadCached(`${__dirname}/main.cjs`, {
  program: 'ctr-runtime',
  use: commandName(
    argv,
    new Set(['--root', '--log', '--log-format', '--log-level', '--cgroup-manager', '--rootless', '--criu']),
  ),
}) as typeof import('./executable.js')

void run(argv, process.argv[1])

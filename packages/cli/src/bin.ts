#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { commandName, loadCached } from '@ctr/start'

const argv = process.argv.slice(2)
const loaded = loadCached(fileURLToPath(new URL('main.cjs', import.meta.url)), {
  program: 'ctrjs',
  use: commandName(argv, new Set(['--root', '--state', '--insecure-registry'])),
})

void (loaded as { readonly main: typeof import('./main.js').main })
  .main(argv)
  .then((code) => process.exit(code))

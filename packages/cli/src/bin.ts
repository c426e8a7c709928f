#!/usr/bin/env node
import { fileURLToPath } from 'node:url'
import { commandName } from './start/command-name.js'
import { loadCached } from './start/load-cached.js'

const argv = process.argv.slice(2)
const loaded = loadCached(fileURLToPath(new URL('main.cjs', import.meta.url)), commandName(argv))

void (loaded as { readonly main: typeof import('./main.js').main })
  .main(argv)
  .then((code) => process.exit(code))

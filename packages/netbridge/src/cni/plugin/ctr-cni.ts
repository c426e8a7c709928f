#!/usr/bin/env node
import { runAsPlugin } from './run.js'

void runAsPlugin(process.env).then(({ exitCode, output }) => {
  process.stdout.write(output)
  process.exitCode = exitCode
})

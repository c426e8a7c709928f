import type { Command } from 'commander'
import type { Cli } from '../cli.js'
import { checkCidFile, writeCidFile } from '../options/cid-file.js'
import { refuseDaemonFlags } from '../options/daemon-flags.js'
import { refuseMounts } from '../options/parse-mount.js'
import { checkPull } from '../options/parse-pull.js'
import { addContainerFlags, runOptions, type RunFlags } from '../options/run-flags.js'
import { printLine } from '../output/pipe-end.js'
import { runFailure } from './run-failure.js'
import { withImage } from './with-image.js'

/** `ctrjs create`. */
export function define(command: Command, cli: Cli): void {
  addContainerFlags(
    command.usage('[OPTIONS] IMAGE|PATH [COMMAND] [ARG...]').argument('<image>').argument('[command...]'),
  )
  command.action(async (target: string, args: string[], flags: RunFlags) => {
    checkPull(flags.pull)
    checkCidFile(flags.cidfile)
    const request = { flags, options: runOptions(flags, target, args) }
    if (cli.daemon() === undefined) {
      refuseDaemonFlags(flags)
      refuseMounts(flags.mount ?? [])
    }
    await using backend = await cli.backend()
    try {
      const id = await withImage(backend, request, undefined, () => backend.create(request))
      writeCidFile(flags.cidfile, id)
      printLine(id)
    } catch (error) {
      throw runFailure(error, 1)
    }
  })
}

import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { addReachFlags, reachOf, type ReachFlags } from '../options/reach-flags.js'
import { shortName } from '../output/image-name.js'
import { printLine } from '../output/pipe-end.js'
import { showProgress } from '../output/transfer-progress.js'

interface PushFlags extends ReachFlags {
  readonly platform?: string
  readonly quiet?: boolean
}

/** `ctrjs push`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME[:TAG]')
    .argument('<image>')
    .option('--platform <string>', 'Push one platform of an image that is here with all of them')
    .option('-q, --quiet', 'Suppress verbose output')
  addReachFlags(command).action(async (image: string, flags: PushFlags) => {
    const { platform, quiet = false } = flags
    const { parseReference } = await import('@ctr/registry')
    const { client } = await cli.registries(reachOf(flags, parseReference(image).registry))
    await untilInterrupted(cli, async (signal) => {
      const host = cli.daemon()
      if (host !== undefined) {
        const { pushOnDaemon } = await import('../backend/remote/transfers.js')
        await pushOnDaemon(host, image, { quiet, platform, stream: process.stdout, signal })
        return
      }
      await using runtime = await cli.open()
      using progress = quiet ? undefined : await showProgress(process.stdout, 'push')
      const { digest, size } = await runtime.images.push(image, {
        platform,
        registries: client,
        signal,
        onProgress: progress?.onEvent,
      })
      progress?.[Symbol.dispose]()
      printLine(quiet ? shortName(image) : `${shortName(image)}: digest: ${digest} size: ${size}`)
    })
  })
}

import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { needsRuntime, usageError } from '../errors.js'
import { addReachFlags, reachOf, type ReachFlags } from '../options/reach-flags.js'
import { addSignatureFlags, signatureOptions, type SignatureFlags } from '../options/signature-flags.js'
import { printLine } from '../output/pipe-end.js'

interface PullFlags extends ReachFlags, SignatureFlags {
  readonly allPlatforms?: true
  readonly allTags?: true
  readonly platform?: string
  readonly quiet?: boolean
}

/** `ctrjs pull`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage('[OPTIONS] NAME[:TAG|@DIGEST]')
    .argument('<image>')
    .option('--all-platforms', 'Keep all platforms of the image, not this one alone')
    .option('-a, --all-tags', 'Download all tagged images in the repository')
    .option('--platform <string>', 'Set platform if server is multi-platform capable')
    .option('-q, --quiet', 'Suppress verbose output')
  addSignatureFlags(addReachFlags(command)).action(async (image: string, flags: PullFlags) => {
    const { allPlatforms = false, allTags = false, platform, quiet = false } = flags
    if (allPlatforms && platform !== undefined)
      throw usageError('--all-platforms and --platform are mutually exclusive')
    const signatures = signatureOptions(flags)
    if (cli.daemon() !== undefined && (allPlatforms || Object.values(signatures).some(Boolean)))
      throw needsRuntime('keep all platforms of an image, or check its signatures,')
    const { parseReference } = await import('@ctr/registry')
    if (allTags && /[:@]/.test(image.slice(image.lastIndexOf('/'))))
      throw usageError("tag can't be used with --all-tags/-a")
    const { client, policy } = await cli.registries(reachOf(flags, parseReference(image).registry))
    await untilInterrupted(cli, async (signal) => {
      await using backend = await cli.backend()
      printLine(
        await backend.pull(image, {
          quiet,
          allTags,
          stream: process.stdout,
          signal,
          platform,
          platforms: allPlatforms ? 'all' : undefined,
          registries: client,
          policy,
          ...signatures,
        }),
      )
    })
  })
}

import type { Command } from 'commander'
import { untilInterrupted } from '../attach/until-interrupted.js'
import type { Cli } from '../cli.js'
import { parseCopyArgument, type CopyArgument } from '../copy/copy-argument.js'
import { copyBetween } from '../copy/copy-between.js'
import type { Owner } from '../copy/copy-side.js'
import { CliError, usageError } from '../errors.js'
import { writeArchive } from '../output/write-archive.js'

interface CpFlags {
  readonly archive?: boolean
  readonly followLink?: boolean
}

/** `ctrjs cp`. */
export function define(command: Command, cli: Cli): void {
  command
    .usage(
      '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       ctrjs cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
    )
    .argument('<source>')
    .argument('<target>')
    .option('-a, --archive', 'Keep the owners of the files')
    .option('-L, --follow-link', 'Always follow symbol link in SRC_PATH')
    .option('-q, --quiet', 'Accepted as Docker has it: no progress is shown anyway')
    .action(async (source: string, target: string, { archive = false, followLink = false }: CpFlags) => {
      const [from, to] = [parseCopyArgument(source), parseCopyArgument(target)]
      if (from.kind === 'container' && to.kind === 'tar') {
        await writeArchive(cli, { what: 'copy' }, async (backend, signal) => {
          const { files } = backend.container(from.container)
          const link = followLink ? (await files.stat(from.path))?.linkTarget : undefined
          return (await files.pack(link ?? from.path, { signal })).tar
        })
        return
      }
      await copyIntoOrOut(cli, from, to, { followLink, keepOwners: archive })
    })
}

async function copyIntoOrOut(
  cli: Cli,
  from: CopyArgument,
  to: CopyArgument,
  { followLink, keepOwners }: { readonly followLink: boolean; readonly keepOwners: boolean },
): Promise<void> {
  const copy = copying(from, to)
  await untilInterrupted(cli, async (signal) => {
    await using backend = await cli.backend()
    const { files } = backend.container(copy.container)
    if (copy.into && copy.source === undefined) {
      await files.unpack(process.stdin, copy.target, { owner: keepOwners ? undefined : root, signal })
      return
    }
    const { hostSide } = await import('../copy/host-side.js')
    await copyBetween({
      ...(copy.into ? { from: hostSide, to: files } : { from: files, to: hostSide }),
      ...{ source: copy.source!, target: copy.target, followLink, signal },
      owner: keepOwners ? undefined : copy.into ? root : caller(),
    })
  })
}

/** As Docker documents it: what goes in is root's, what comes out belongs to who asked for it. */
const root: Owner = { uid: 0, gid: 0 }

function caller(): Owner {
  return { uid: process.getuid!(), gid: process.getgid!() }
}

interface Copying {
  readonly container: string
  readonly into: boolean
  /** Without it a tar comes from standard input. */
  readonly source: string | undefined
  readonly target: string
}

function copying(from: CopyArgument, to: CopyArgument): Copying {
  if (from.kind === 'container' && to.kind === 'container')
    throw usageError('cannot copy between containers: copy to the host first, or to - and from there')
  if (from.kind === 'container' && to.kind === 'host')
    return { container: from.container, into: false, source: from.path, target: to.path }
  if (to.kind !== 'container')
    throw usageError('cannot copy on the host alone: write CONTAINER:PATH for what is in a container')
  if (from.kind === 'tar' && process.stdin.isTTY)
    throw new CliError('ERR_CLI_TERMINAL', 'cannot copy from a terminal: redirect the input')
  const source = from.kind === 'host' ? from.path : undefined
  return { container: to.container, into: true, source, target: to.path }
}

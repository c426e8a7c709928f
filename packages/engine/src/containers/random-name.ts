import { randomInt } from 'node:crypto'

const left =
  'able amber bold brave bright calm clever cool eager fair fast fine fond free glad good great happy keen kind light lively lucky mild neat noble plain proud quick quiet rapid ready red sharp silent smart soft solid sound stout sunny sure swift tidy true vivid warm wise young'.split(
    ' ',
  )
const right =
  'alder ash aspen badger beech birch brook cedar clover crane dune elm falcon fern finch fir fox gale gull hare hawk hazel heath heron holly iris ivy jay kite larch lark linden lynx maple marten moss oak otter owl pine plover quail raven reed robin rowan sable seal stork swan thrush wren'.split(
    ' ',
  )

/** A name for a container that was given none, in Docker's form: two words and an underscore. */
export function randomName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${left[randomInt(left.length)]!}_${right[randomInt(right.length)]!}${attempt > 5 ? randomInt(1_000_000) : ''}`
    if (!isTaken(name)) return name
  }
}

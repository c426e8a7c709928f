const names = (text: string): string => `(?:${text.split(' ').join('|')})`

/** What a directive of strftime(3) stands for, as a part of a regular expression. */
const directives: Readonly<Record<string, string>> = {
  a: names('Mon Tue Wed Thu Fri Sat Sun'),
  A: names('Monday Tuesday Wednesday Thursday Friday Saturday Sunday'),
  b: names('Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'),
  B: names('January February March April May June July August September October November December'),
  d: '(?:0[1-9]|[12][0-9]|3[01])',
  f: '[0-9]{6}',
  H: '(?:[01][0-9]|2[0-3])',
  I: '(?:0[1-9]|1[0-2])',
  j: '(?:[0-2][0-9]{2}|3[0-5][0-9]|36[0-6])',
  L: '\\.[0-9]{3}',
  m: '(?:0[1-9]|1[0-2])',
  M: '[0-5][0-9]',
  p: '[AP]M',
  S: '(?:[0-5][0-9]|60)',
  w: '[0-6]',
  y: '[0-9]{2}',
  Y: '[0-9]{4}',
  z: '[+-][0-9]{4}',
  Z: '[A-Z]{1,4}T',
  '%': '%',
}

/**
 * A time in the form of strftime(3) as a regular expression. All but directives is one already, as in Docker:
 * `\[%Y-%m-%d`. A directive that is none stands for nothing.
 */
export function datetimePattern(format: string): string {
  return format.replaceAll(/%(.)/g, (_all, directive: string) =>
    Object.hasOwn(directives, directive) ? directives[directive]! : '',
  )
}

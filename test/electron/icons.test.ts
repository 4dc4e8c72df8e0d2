import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../electron/icons/', import.meta.url))
const files = readdirSync(folder).filter((name) => /-\d+\.png$/.test(name))

/** The pixels of a PNG of 8-bit RGBA without interlace, as Chromium writes them. */
function readPng(name: string): { width: number; height: number; pixels: Uint8Array } {
  const file = readFileSync(folder + name)
  const [width, height, kind] = [file.readUInt32BE(16), file.readUInt32BE(20), file.readUInt16BE(24)]
  if (kind !== 0x0806) throw new Error(`${name} is not 8-bit RGBA`)
  const data: Buffer[] = []
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) {
    const length = file.readUInt32BE(at)
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(file.subarray(at + 8, at + 8 + length))
  }
  return { width, height, pixels: unfilter(inflateSync(Buffer.concat(data)), width, height) }
}

/** @see [PNG, Filtering](https://www.w3.org/TR/png-3/#9Filters) */
function unfilter(raw: Uint8Array, width: number, height: number): Uint8Array {
  const stride = width * 4
  const out = new Uint8Array(stride * height)
  for (let row = 0; row < height; row += 1) {
    const filter = raw[row * (stride + 1)] ?? 0
    for (let column = 0; column < stride; column += 1) {
      const at = row * stride + column
      const left = column >= 4 ? (out[at - 4] ?? 0) : 0
      const up = row > 0 ? (out[at - stride] ?? 0) : 0
      const corner = row > 0 && column >= 4 ? (out[at - stride - 4] ?? 0) : 0
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter] ?? 0
      out[at] = (raw[row * (stride + 1) + 1 + column] ?? 0) + predicted
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}

/** How dark (0) or light (1) each pixel is on a ground of this lightness. */
function on(ground: number, { pixels }: { pixels: Uint8Array }): readonly number[] {
  return Array.from({ length: pixels.length / 4 }, (_, at) => {
    const alpha = (pixels[at * 4 + 3] ?? 0) / 255
    return ground * (1 - alpha) + ((pixels[at * 4] ?? 0) / 255) * alpha
  })
}

function difference(one: readonly number[], other: readonly number[]): number {
  return one.filter((value, at) => Math.abs(value - (other[at] ?? 0)) > 0.4).length
}

describe('the icons of the tray', () => {
  it('are there in four forms, for both kinds of bar and both densities', () => {
    expect(files).toHaveLength(16)
    for (const name of files) {
      const size = Number(/(\d+)\.png$/.exec(name)?.[1])
      expect(readPng(name)).toMatchObject({ width: size, height: size })
    }
  })

  it('are black alone where the system gives the colour', () => {
    for (const name of files.filter((one) => one.includes('-template-'))) {
      const { pixels } = readPng(name)
      expect(
        pixels.filter((value, at) => at % 4 !== 3 && (pixels[at | 3] ?? 0) > 0 && value !== 0),
      ).toHaveLength(0)
    }
  })

  it.each([
    ['template', 1],
    ['bar', 1],
    ['bar', 0],
    ['bar', 0.5],
  ] as const)('can be told apart by form: %s on a ground of lightness %d', (look, ground) => {
    const shown = ['well', 'asked', 'broken', 'paused'].map((form) =>
      on(ground, readPng(`${form}-${look}-16.png`)),
    )
    for (const [at, one] of shown.entries()) {
      // It stands out from its ground at all.
      expect(
        difference(
          one,
          one.map(() => ground),
        ),
      ).toBeGreaterThan(10)
      for (const other of shown.slice(at + 1)) expect(difference(one, other)).toBeGreaterThan(5)
    }
  })
})

import type { IconForm } from '../tray/tray-state.ts'

/** The bridge, on a field of 16: its deck, two towers, and the arch that hangs between them. */
const deck = 'M1 12h14'
const towers = 'M4 3v11M12 3v11'
const arch = 'M4 3.5c1 5.6 7 5.6 8 0'
const stays = 'M4 3.5c-.5 2.6-1.4 4.2-3 4.8M12 3.5c.5 2.6 1.4 4.2 3 4.8'
const bridge = `${deck}${towers}${arch}${stays}`

/** The lines of each form. */
const lines: Record<IconForm, string> = {
  well: bridge,
  asked: bridge,
  broken: `M1 12h4.8M10.2 12h4.8${towers}${stays}M4 3.5c.3 1.7 1 2.9 1.8 3.6M12 3.5c-.3 1.7-1 2.9-1.8 3.6`,
  paused: 'M5.5 3.5v9M10.5 3.5v9',
}

/** In what a form is drawn: one ink, and a rim around it where it must be readable on any ground. */
export interface Inks {
  readonly ink: string
  readonly rim?: string
}

/** How wide lines are, and how much wider the rim around them. */
const line = 1.5
const bar = 2.8
const rimMore = 1.5

/** The app's own icon as SVG: the bridge on a ground of the accent's green. */
export function appDrawing(): string {
  const mark = drawing('well', { ink: '#fff' }).replace(
    '<svg ',
    '<svg x="3.2" y="3" width="9.6" height="9.6" ',
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect x="0.8" y="0.8" width="14.4" height="14.4" rx="3.3" fill="#0f6b5c"/>${mark}</svg>`
}

/** The drawing of a form as SVG. */
export function drawing(form: IconForm, { ink, rim }: Inks): string {
  const width = form === 'paused' ? bar : line
  const path = (colour: string, more = 0): string =>
    `<path d="${lines[form]}" stroke="${colour}" stroke-width="${width + more}"/>`
  const dot = (colour: string, more = 0): string =>
    form === 'asked' ? `<circle cx="12.6" cy="3.4" r="${2.6 + more / 2}" fill="${colour}"/>` : ''
  // Around the dot the bridge is cut out, so that the dot stands apart in one ink too.
  const cut = `<mask id="cut" maskUnits="userSpaceOnUse" x="0" y="0" width="16" height="16"><rect width="16" height="16" fill="#fff"/>${dot('#000', 2.6)}</mask>`
  const layers = rim === undefined ? [path(ink)] : [path(rim, rimMore), path(ink)]
  const onTop = rim === undefined ? [dot(ink)] : [dot(rim, rimMore), dot(ink)]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke-linecap="round" stroke-linejoin="round">${cut}<g mask="url(#cut)">${layers.join('')}</g>${onTop.join('')}</svg>`
}

/** A line of the tray's menu as it is shown: its label, in brackets where it cannot be clicked, or a menu below it. */
export type ShownLine = string | { readonly label: string; readonly lines: readonly ShownLine[] }

/** What recorder.cjs notes and does. */
export interface Recorder {
  tooltip(): string
  menu(): readonly ShownLine[]
  /** Every image that the tray was given, as data URLs. */
  icons(): readonly string[]
  /** Clicks a line; labels lead to it, and of a connection's its id is enough. */
  click(path: readonly string[]): void
  /** The button that the next dialog is answered with; without it a dialog is cancelled. */
  answerNext(button: string): void
  questions(): readonly { message: string; detail: string; buttons: readonly string[] }[]
  /** What went to the person's browser. */
  opened(): readonly string[]
  copied(): string
  notifications(): readonly { title: string; body: string; isOpen: boolean }[]
  clickNotification(title: string): void
}

/** Line icons on a grid of 16. */
const paths = {
  search: "M7 12.5a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11zM11 11l3.5 3.5",
  plus: "M8 2.5v11M2.5 8h11",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M2.5 8.5l3.5 3.5 7.5-8",
  edit: "M10.5 2.5l3 3-8 8h-3v-3zM8.5 4.5l3 3",
  trash: "M2.5 4.5h11M6 4V2.5h4V4M4 4.5l.7 9h6.6l.7-9M6.7 7v4M9.3 7v4",
  clock: "M8 14A6 6 0 1 1 8 2a6 6 0 0 1 0 12zM8 4.8V8l2.2 1.6",
  refresh: "M13.5 8A5.5 5.5 0 1 1 11.6 3.8M13.5 1.8v3h-3",
  pause: "M5.5 3v10M10.5 3v10",
  play: "M4.5 2.5v11l8.5-5.5z",
  stop: "M3.5 3.5h9v9h-9z",
  back: "M9.5 2.5L4 8l5.5 5.5",
  right: "M6 3l5 5-5 5",
  down: "M3 6l5 5 5-5",
  link: "M6.5 9.5l3-3M7 4.5l1.5-1.5a3.2 3.2 0 0 1 4.5 4.5L11.5 9M9 11.5L7.5 13A3.2 3.2 0 0 1 3 8.5L4.5 7",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  key: "M8.5 10.5a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM7.6 8.4l5.9-5.9M11.2 4.8l2 2",
  help: "M8 14.5a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13zM6 6.2a2 2 0 1 1 2.8 1.9c-.6.3-.8.6-.8 1.2M8 11.3v.2",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7z",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  alert: "M8 2l6.5 11.5h-13zM8 6.5V10M8 11.8v.1",
  undo: "M3 6.5h7a3.5 3.5 0 0 1 0 7H6M6 3L2.5 6.5 6 10",
} as const;

export type IconName = keyof typeof paths;

/** Says nothing to a screen reader: words stand beside it, or the button has a label. */
export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.4"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

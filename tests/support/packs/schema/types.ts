// The types of a classic dashboard as JSON has it: an enum stands for its values, which JSON writes as plain text.
import type { Dashboard, Panel, RowPanel, VariableModel, AnnotationQuery, FieldConfigSource } from '@grafana/schema';
import type * as heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as timeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as timeseries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends Array<infer Item>
      ? Array<Plain<Item>>
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

interface Options {
  heatmap: Partial<heatmap.Options>;
  stat: stat.Options;
  'state-timeline': timeline.Options;
  table: Omit<table.Options, 'frameIndex' | 'showTypeIcons'> & Partial<Pick<table.Options, 'frameIndex' | 'showTypeIcons'>>;
  timeseries: timeseries.Options;
}
interface Custom {
  heatmap: heatmap.FieldConfig;
  stat: Record<string, never>;
  'state-timeline': timeline.FieldConfig;
  table: Partial<table.FieldConfig>;
  timeseries: timeseries.FieldConfig;
}
type Kind = keyof Options;

interface Target {
  datasource: { type: string; uid: string };
  editorMode: 'code';
  exemplar?: boolean;
  expr: string;
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  legendFormat: string;
  range: boolean;
  refId: string;
}
type Own<K extends Kind> = Omit<Plain<Panel>, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: K;
  options: Plain<Options[K]>;
  fieldConfig: Plain<FieldConfigSource<Custom[K]>>;
  targets: Target[];
};

export type AnyPanel = { [K in Kind]: Own<K> }[Kind];
export type AnyRow = Plain<Omit<RowPanel, 'panels'>> & { panels: AnyPanel[] };
// Every Grafana from 7 to 13 writes `definition` and reads it; the types do not have it.
export type Variable = Plain<VariableModel> & { definition?: string };
export type Annotation = Plain<AnnotationQuery> & { expr?: string; step?: string; titleFormat?: string; useValueForTime?: boolean };
export type Classic = Omit<Plain<Dashboard>, 'panels' | 'templating' | 'annotations'> & {
  panels: Array<AnyPanel | AnyRow>;
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
};
